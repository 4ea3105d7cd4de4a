"""What the limits of the machine are measured with."""
