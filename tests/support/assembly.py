"""Short texts of machine code."""

SUM_X86 = """
_ZN7kernels4mine3sumB2v1:
	xorl	%eax, %eax
	vxorpd	%xmm0, %xmm0, %xmm0
	.p2align	4
.LBB0_1:                                # it goes on
	vmovsd	(%rdi,%rax,8), %xmm1
	vmulsd	(%rsi,%rax,8), %xmm1, %xmm1
	vaddsd	%xmm1, %xmm0, %xmm0
	vmovsd	8(%rdi,%rax,8), %xmm1
	vmulsd	8(%rsi,%rax,8), %xmm1, %xmm1
	vaddsd	%xmm1, %xmm0, %xmm0
	addq	$2, %rax
	cmpq	%rax, %rcx
	jne	.LBB0_1
	retq
"""
SIGMOIDS_X86 = """
_ZN7kernels4mine8sigmoidsB2v1:
	movabsq	$log1p, %rbx
.LBB0_1:
	movabsq	$exp, %rax
	vmovsd	(%r14), %xmm0
	callq	*%rax
	vmovsd	%xmm0, (%r14)
	callq	*%rbx
	vaddsd	(%rsp), %xmm0, %xmm0
	callq	*24(%r13)
	xorl	%ecx, %ecx
.LBB0_2:
	vmovupd	(%r15,%rcx), %zmm1
	vfmadd213pd	64(%r15,%rcx), %zmm0, %zmm1 {%k1}
	vdivpd	%zmm1, %zmm2, %zmm1
	vmovupd	%zmm1, (%r15,%rcx)
	prefetcht1	4096(%r15,%rcx)
	vgatherqpd	(%r15,%zmm3,8), %zmm4 {%k2}
	addq	$64, %rcx
	cmpq	%rcx, %rdx
	jne	.LBB0_2
	decq	%r12
	jne	.LBB0_1
	retq
.Lfunc_end0:
NRT_decref:
.LBB1_1:
	vaddpd	%zmm0, %zmm0, %zmm0
	jmp	.LBB1_1
".const.a: b":
	.asciz	"a"
"""
