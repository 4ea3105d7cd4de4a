"""Loops and their instructions, from short texts of x86 and aarch64."""

from __future__ import annotations

import pytest

from bench.commands.explain import assembly
from bench.commands.explain.assembly import Assembly, Loop
from bench.commands.explain.instructions import AARCH64, X86, Dialect, dialect_of
from tests.support.assembly import SIGMOIDS_X86, SUM_X86

SUM_ARM = """
kernels_sum:
	mov	x8, xzr
.LBB0_1:                                // %endif
                                        // =>This Inner Loop Header: Depth=1
	ldr	q1, [x0, x8]
	ldp	d2, d3, [x1], #16
	fmla	v0.2d, v1.2d, v4.2d
	fmadd	d5, d2, d3, d5
	fdiv	d6, d2, d3
	str	d6, [x2, x8]
	prfm	pldl2keep, [x0, #4096]
	add	x8, x8, #16
	cmp	x8, x9
	b.ne	.LBB0_1
// %bb.2:
	bl	exp
	movz	x8, #:abs_g0_nc:log1p
	movk	x8, #:abs_g1_nc:log1p
	blr	x8
	ret
"""


def only_loop(text: str) -> Loop:
    (loop,) = assembly.read(text).loops
    return loop


def test_a_scalar_sum_has_a_dependency_chain() -> None:
    loop = only_loop(SUM_X86)
    assert (loop.function, loop.innermost) == ("kernels.mine.sum", True)
    assert (loop.counts.instructions, loop.counts.packed, loop.counts.scalar, loop.counts.vector) == (9, 0, 4, "")
    assert (loop.counts.load, loop.counts.fma) == (4, 0)
    assert loop.dependency_chain == 2  # the additions; the products are independent


def test_two_sums_have_half_the_chain() -> None:
    assert (
        only_loop(SUM_X86.replace("%xmm1, %xmm0, %xmm0\n	addq", "%xmm1, %xmm2, %xmm2\n	addq")).dependency_chain
        == 1
    )


def test_a_register_zeroed_in_each_iteration_ends_the_chain() -> None:
    assert (
        only_loop(SUM_X86.replace("Depth=1\n", "Depth=1\n	vxorpd	%xmm0, %xmm0, %xmm0\n")).dependency_chain == 0
    )


def test_a_loops_counts_leave_out_the_loops_inside() -> None:
    code = assembly.read(SIGMOIDS_X86)
    outer, inner = code.loops
    assert (outer.innermost, inner.innermost) == (False, True)
    assert outer.counts.calls == ("exp", "log1p", "?")
    assert outer.counts.mathematics == ("exp", "log1p")
    assert (outer.counts.scalar, outer.counts.packed) == (1, 0)
    assert (inner.counts.packed, inner.counts.vector, inner.counts.fma, inner.counts.division) == (2, "zmm", 1, 1)
    assert (inner.counts.load, inner.counts.gather, inner.counts.prefetch) == (3, 1, 1)
    assert (outer.counts.instructions, inner.counts.instructions) == (10, 9)
    assert code.whole.instructions == 21  # without what Numba adds to every function


def test_aarch64() -> None:
    code = assembly.read(SUM_ARM)
    (loop,) = code.loops
    assert (loop.counts.packed, loop.counts.scalar, loop.counts.vector) == (1, 2, "v")
    assert (loop.counts.fma, loop.counts.division) == (2, 1)
    assert (loop.counts.load, loop.counts.prefetch) == (2, 1)
    assert loop.dependency_chain == 1
    assert code.whole.mathematics == ("exp", "log1p")


def test_aarch64_as_macos_writes_it() -> None:
    text = SUM_ARM.replace("fmla	v0.2d, v1.2d, v4.2d", "fmla.2d	v0, v1, v4").replace(".LBB", "LBB")
    text = (
        text.replace("kernels_sum", "__ZN7kernels4mine3sumB2v1").replace("bl	exp", "bl	_exp").replace("//", ";")
    )
    loop = only_loop(text)
    assert loop.function == "kernels.mine.sum"
    assert (loop.counts.packed, loop.counts.vector, loop.dependency_chain) == (1, "v", 1)
    assert assembly.read(text).whole.mathematics == ("exp", "log1p")


def test_a_jump_back_that_is_no_loop() -> None:
    """It goes to a tail that two paths share: nothing there runs twice, and LLVM calls it no loop."""
    text = """
f:
	testq	%rax, %rax
	je	.LBB0_2
.LBB0_1:
	vaddsd	%xmm0, %xmm1, %xmm1
	retq
.LBB0_2:
	vmulsd	%xmm0, %xmm1, %xmm1
	jmp	.LBB0_1
"""
    code = assembly.read(text)
    assert code.loops == ()
    assert code.whole.scalar == 2


def test_loops_are_those_of_the_largest_version() -> None:
    longer = SUM_X86.replace("B2v1", "B2v2").replace("LBB0", "LBB1").replace("	decq", "").replace(
        "	addq", "	vaddsd	%xmm3, %xmm3, %xmm4\n	addq"
    )  # fmt: skip
    code = assembly.read(SUM_X86 + longer)
    assert code.functions == {"kernels.mine.sum": 2}
    assert [loop.counts.scalar for loop in code.loops] == [5]
    assert code.whole.scalar == 9


def test_an_empty_text() -> None:
    assert assembly.read("") == Assembly(assembly.count([]), {}, ())


@pytest.mark.parametrize(
    ("dialect", "mnemonic", "operands", "kinds"),
    [
        (X86, "vaddpd", ("%ymm0", "%ymm1", "%ymm2"), "packed"),
        (X86, "vaddss", ("(%rax)", "%xmm1", "%xmm2"), "scalar load"),
        (X86, "vfnmadd231ps", ("(%rax){1to16}", "%zmm1", "%zmm2"), "packed fma load"),
        (X86, "divsd", ("%xmm0", "%xmm1"), "scalar division"),
        (X86, "vmovaps", ("%xmm0", "16(%rsp)"), ""),
        (X86, "vpaddq", ("%zmm0", "%zmm1", "%zmm1"), ""),
        (X86, "movq", ("(%rax)", "%rbx"), ""),
        (X86, "prefetcht0", ("(%rax)",), "prefetch"),
        (X86, "ret", (), ""),
        (X86, "jmpq", ("*%rax",), ""),
        (AARCH64, "fadd", ("v0.4s", "v1.4s", "v2.4s"), "packed"),
        (AARCH64, "fmla", ("z0.d", "p0/m", "z1.d", "z2.d"), "packed fma"),
        (AARCH64, "ld1d", ("{ z0.d }", "p0/z", "[x0, z1.d, lsl #3]"), "gather load"),
        (AARCH64, "ld1d", ("{ z0.d }", "p0/z", "[x0, x1, lsl #3]"), "load"),
        (AARCH64, "ldr", ("x0", "[x1]"), ""),
        (AARCH64, "stp", ("q0", "q1", "[x0]"), ""),
        (AARCH64, "b", (".LBB0_1",), ""),
    ],
)
def test_instructions(dialect: Dialect, mnemonic: str, operands: tuple[str, ...], kinds: str) -> None:
    assert dialect.read(mnemonic, list(operands), {}).kinds == set(kinds.split())


@pytest.mark.parametrize(
    ("dialect", "mnemonic", "operands", "reads", "writes"),
    [
        (X86, "vaddpd", ("%ymm0", "%ymm1", "%ymm2"), ("0", "1"), ("2",)),
        (X86, "addsd", ("%xmm0", "%xmm1"), ("0", "1"), ("1",)),
        (X86, "vmovaps", ("%xmm0", "16(%rsp)"), ("0",), ()),
        (X86, "vmovupd", ("(%rdi)", "%zmm1"), (), ("1",)),
        (X86, "vmovupd", ("(%rdi)", "%zmm1 {%k1}"), ("1",), ("1",)),
        (X86, "vmovupd", ("(%rdi)", "%zmm1 {%k1} {z}"), (), ("1",)),
        (AARCH64, "fadd", ("d0", "d1", "d2"), ("1", "2"), ("0",)),
        (AARCH64, "fmla", ("v0.2d", "v1.2d", "v2.d[1]"), ("0", "1", "2"), ("0",)),
        (AARCH64, "ldp", ("q0", "q1", "[x0]"), (), ("0", "1")),
        (AARCH64, "stp", ("q0", "q1", "[x0]"), ("0", "1"), ()),
    ],
)
def test_registers(
    dialect: Dialect, mnemonic: str, operands: tuple[str, ...], reads: tuple[str, ...], writes: tuple[str, ...]
) -> None:
    instruction = dialect.read(mnemonic, list(operands), {})
    assert (instruction.reads, instruction.writes) == (reads, writes)


def test_the_dialect_is_recognized() -> None:
    assert dialect_of(SUM_X86) is X86
    assert dialect_of(SUM_ARM) is AARCH64


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        (
            "_ZN7kernels8gradient11numba_fused9_gradient12_3clocals_3e8gradientB3v10",
            "kernels.gradient.numba_fused._gradient.gradient",
        ),
        ("_ZN13_3cdynamic_3e36__numba_parfor_gufunc_0x7fa2671d3810B3v31", "__numba_parfor_gufunc"),
        ("exp", "exp"),
        ("_start", "_start"),
    ],
)
def test_mangled_names_become_readable(symbol: str, name: str) -> None:
    assert assembly.readable(symbol) == name
