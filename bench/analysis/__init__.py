"""From samples to numbers: statistics, ratios, ceilings, verdicts. No clock, no file, no process."""
