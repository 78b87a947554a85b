/*
 * Stands in for arch/arm64/include/asm/sparsemem.h, whose include guard it has: a kernel with
 * another SECTION_SIZE_BITS is built without touching its source.
 */
#ifndef __ASM_SPARSEMEM_H
#define __ASM_SPARSEMEM_H
#ifdef CONFIG_SPARSEMEM
#define MAX_PHYSMEM_BITS CONFIG_ARM64_PA_BITS
#define SECTION_SIZE_BITS LAB_SECTION_SIZE_BITS
#endif
#endif
