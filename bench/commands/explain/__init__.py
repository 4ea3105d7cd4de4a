"""Why a kernel is as fast as it is: what the compiler made of it, and what its calls use.

    race (checks, a few rounds) → inspect_kernel (its machine code, XLA's program, its temporaries)
        → findings (parsed by assembly and hlo) → sentences → text

`inspect_kernel` runs in a process of its own, with the kernel. All other files are pure and tested on short texts.
"""
