"""Loops and their instructions, from short texts of x86 and aarch64."""

from __future__ import annotations

import pytest

from bench.commands.explain import assembly
from bench.commands.explain.assembly import Assembly, Loop
from bench.commands.explain.instructions import AARCH64, X86, Dialect, Instruction, dialect_of
from tests.support.assembly import SIGMOIDS_X86, SUM_X86

SUM_ARM = """
kernels_sum:
	mov	x8, xzr
.LBB0_1:
	ldr	q1, [x0, x8]                    // it goes on
	ldp	d2, d3, [x1], #16
	fmla	v0.2d, v1.2d, v4.2d
	fmadd	d5, d2, d3, d5
	fdiv	d6, d2, d3
	str	d6, [x2, x8]
	prfm	pldl2keep, [x0, #4096]
	add	x8, x8, #16
	cmp	x8, x9
	b.ne	.LBB0_1
	bl	exp
	movz	x8, #:abs_g0_nc:log1p
	movk	x8, #:abs_g1_nc:log1p
	blr	x8
	ret
"""


def one(text: str) -> Loop:
    (loop,) = assembly.read(text).loops
    return loop


def test_a_scalar_sum_waits_for_itself() -> None:
    loop = one(SUM_X86)
    assert (loop.function, loop.innermost) == ("kernels.mine.sum", True)
    assert (loop.mix.instructions, loop.mix.packed, loop.mix.scalar, loop.mix.vector) == (9, 0, 4, "")
    assert (loop.mix.loads, loop.mix.stores, loop.mix.fmas) == (4, 0, 0)
    assert loop.dependency_chain == 2  # the additions; the products wait for nobody


def test_two_sums_wait_half_as_long() -> None:
    assert (
        one(SUM_X86.replace("%xmm1, %xmm0, %xmm0\n	addq", "%xmm1, %xmm2, %xmm2\n	addq")).dependency_chain == 1
    )


def test_what_is_zeroed_in_each_turn_waits_for_nothing() -> None:
    assert one(SUM_X86.replace(".LBB0_1:  ", ".LBB0_1:\n	vxorpd	%xmm0, %xmm0, %xmm0")).dependency_chain == 0


def test_a_loop_has_its_own_work_without_that_of_loops_inside() -> None:
    found = assembly.read(SIGMOIDS_X86)
    outer, inner = found.loops
    assert (outer.innermost, inner.innermost) == (False, True)
    assert outer.mix.calls == ("exp", "log1p", "?")
    assert outer.mix.mathematics == ("exp", "log1p")
    assert (outer.mix.scalar, outer.mix.packed) == (1, 0)
    assert (inner.mix.packed, inner.mix.vector, inner.mix.fmas, inner.mix.divisions) == (2, "zmm", 1, 1)
    assert (inner.mix.loads, inner.mix.stores, inner.mix.gathers, inner.mix.prefetches) == (3, 1, 1, 1)
    assert found.whole.instructions == 21  # what Numba adds to every function is not the kernel's


def test_aarch64() -> None:
    found = assembly.read(SUM_ARM)
    (loop,) = found.loops
    assert (loop.mix.packed, loop.mix.scalar, loop.mix.vector) == (1, 2, "v")
    assert (loop.mix.fmas, loop.mix.divisions) == (2, 1)
    assert (loop.mix.loads, loop.mix.stores, loop.mix.prefetches) == (2, 1, 1)
    assert loop.dependency_chain == 1
    assert found.whole.mathematics == ("exp", "log1p")


def test_aarch64_as_macos_writes_it() -> None:
    text = SUM_ARM.replace("fmla	v0.2d, v1.2d, v4.2d", "fmla.2d	v0, v1, v4").replace(".LBB", "LBB")
    text = (
        text.replace("kernels_sum", "__ZN7kernels4mine3sumB2v1").replace("bl	exp", "bl	_exp").replace("//", ";")
    )
    loop = one(text)
    assert loop.function == "kernels.mine.sum"
    assert (loop.mix.packed, loop.mix.vector, loop.dependency_chain) == (1, "v", 1)
    assert assembly.read(text).whole.mathematics == ("exp", "log1p")


def test_a_jump_back_that_is_no_loop() -> None:
    """Into a tail that two ways share: nothing there runs twice."""
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
    found = assembly.read(text)
    assert found.loops == ()
    assert found.whole.scalar == 2


def test_of_several_versions_the_largest_is_shown() -> None:
    longer = SUM_X86.replace("B2v1", "B2v2").replace("LBB0", "LBB1").replace("	decq", "").replace(
        "	addq", "	vaddsd	%xmm3, %xmm3, %xmm4\n	addq"
    )  # fmt: skip
    found = assembly.read(SUM_X86 + longer)
    assert found.functions == {"kernels.mine.sum": 2}
    assert [loop.mix.scalar for loop in found.loops] == [5]
    assert found.whole.scalar == 9


def test_nothing() -> None:
    assert assembly.read("") == Assembly(assembly.mix([]), {}, ())


@pytest.mark.parametrize(
    ("dialect", "word", "operands", "kinds"),
    [
        (X86, "vaddpd", ("%ymm0", "%ymm1", "%ymm2"), "arithmetic packed"),
        (X86, "vaddss", ("(%rax)", "%xmm1", "%xmm2"), "arithmetic load"),
        (X86, "vfnmadd231ps", ("(%rax){1to16}", "%zmm1", "%zmm2"), "arithmetic packed fma load"),
        (X86, "divsd", ("%xmm0", "%xmm1"), "arithmetic division"),
        (X86, "vmovaps", ("%xmm0", "16(%rsp)"), "store"),
        (X86, "vpaddq", ("%zmm0", "%zmm1", "%zmm1"), ""),
        (X86, "movq", ("(%rax)", "%rbx"), ""),
        (X86, "prefetcht0", ("(%rax)",), "prefetch"),
        (X86, "ret", (), "ends"),
        (X86, "jmpq", ("*%rax",), "ends"),
        (AARCH64, "fadd", ("v0.4s", "v1.4s", "v2.4s"), "arithmetic packed"),
        (AARCH64, "fmla", ("z0.d", "p0/m", "z1.d", "z2.d"), "arithmetic packed fma"),
        (AARCH64, "ld1d", ("{ z0.d }", "p0/z", "[x0, z1.d, lsl #3]"), "gather load"),
        (AARCH64, "ld1d", ("{ z0.d }", "p0/z", "[x0, x1, lsl #3]"), "load"),
        (AARCH64, "ldr", ("x0", "[x1]"), ""),
        (AARCH64, "stp", ("q0", "q1", "[x0]"), "store"),
        (AARCH64, "b", (".LBB0_1",), "ends"),
    ],
)
def test_instructions(dialect: Dialect, word: str, operands: tuple[str, ...], kinds: str) -> None:
    found = dialect.read(word, operands, {})
    flags = (name for name in Instruction.__dataclass_fields__ if getattr(found, name) is True)
    assert set(flags) == set(kinds.split())


def test_the_dialect_is_seen() -> None:
    assert dialect_of(SUM_X86) is X86
    assert dialect_of(SUM_ARM) is AARCH64


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("_ZN7kernels11numba_fused9_gradient12_3clocals_3e8gradientB3v10", "kernels.numba_fused._gradient.gradient"),
        ("_ZN13_3cdynamic_3e36__numba_parfor_gufunc_0x7fa2671d3810B3v31", "__numba_parfor_gufunc"),
        ("exp", "exp"),
        ("_start", "_start"),
    ],
)  # fmt: skip
def test_numbas_names(symbol: str, name: str) -> None:
    assert assembly.readable(symbol) == name
