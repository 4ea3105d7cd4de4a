"""The page's charts: pure functions from results to sections, one file an idea. Altair is imported only here."""
