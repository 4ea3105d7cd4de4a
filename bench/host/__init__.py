"""The machine, its processes and the checkout, as the operating system describes them."""
