"""What the operating system says about the machine, the process and the checkout."""
