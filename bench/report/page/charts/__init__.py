"""The page's charts: pure functions from results to sections, one file an idea."""
