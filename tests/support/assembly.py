"""Short texts of machine code, with the comments that LLVM writes about loops."""

SUM_X86 = """
_ZN7kernels4mine3sumB2v1:
# %bb.0:
	xorl	%eax, %eax
	vxorpd	%xmm0, %xmm0, %xmm0
	.p2align	4
.LBB0_1:                                # %B12
                                        # =>This Inner Loop Header: Depth=1
	vmovsd	(%rdi,%rax,8), %xmm1            # xmm1 = mem[0],zero
	vmulsd	(%rsi,%rax,8), %xmm1, %xmm1
	vaddsd	%xmm1, %xmm0, %xmm0
	vmovsd	8(%rdi,%rax,8), %xmm1           # xmm1 = mem[0],zero
	vmulsd	8(%rsi,%rax,8), %xmm1, %xmm1
	vaddsd	%xmm1, %xmm0, %xmm0
	addq	$2, %rax
	cmpq	%rax, %rcx
	jne	.LBB0_1
# %bb.2:
	retq
"""
SIGMOIDS_X86 = """
_ZN7kernels4mine8sigmoidsB2v1:
	movabsq	$log1p, %rbx
.LBB0_1:                                # =>This Loop Header: Depth=1
                                        #     Child Loop BB0_2 Depth 2
	movabsq	$exp, %rax
	vmovsd	(%r14), %xmm0
	callq	*%rax
	vmovsd	%xmm0, (%r14)
	callq	*%rbx
	vaddsd	(%rsp), %xmm0, %xmm0
	callq	*24(%r13)
	xorl	%ecx, %ecx
.LBB0_2:                                #   Parent Loop BB0_1 Depth=1
                                        # =>  This Inner Loop Header: Depth=2
	vmovupd	(%r15,%rcx), %zmm1
	vfmadd213pd	64(%r15,%rcx), %zmm0, %zmm1 {%k1}
	vdivpd	%zmm1, %zmm2, %zmm1
	vmovupd	%zmm1, (%r15,%rcx)
	prefetcht1	4096(%r15,%rcx)
	vgatherqpd	(%r15,%zmm3,8), %zmm4 {%k2}
	addq	$64, %rcx
	cmpq	%rcx, %rdx
	jne	.LBB0_2
# %bb.3:                                #   in Loop: Header=BB0_1 Depth=1
	decq	%r12
	jne	.LBB0_1
# %bb.4:
	retq
.Lfunc_end0:
NRT_decref:
.LBB1_1:                                # =>This Inner Loop Header: Depth=1
	vaddpd	%zmm0, %zmm0, %zmm0
	jmp	.LBB1_1
".const.a: b":
	.asciz	"a"
"""
