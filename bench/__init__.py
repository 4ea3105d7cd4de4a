"""How it is measured: workloads, the gate, the timing, the records and what a person sees of them."""
