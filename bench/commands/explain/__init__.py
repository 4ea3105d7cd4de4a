"""Why a kernel is as fast as it is: what the compiler made of it, and what the system saw of its calls.

    race (the gate, a few rounds) → look (its machine code, its program for XLA, its temporaries) → sentences → show

`look` runs in a process of its own, beside the kernel; all else here is pure, and tested on texts made by hand.
"""
