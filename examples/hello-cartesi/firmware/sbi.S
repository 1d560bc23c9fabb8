/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small SBI firmware: what an operating system's kernel in supervisor mode asks of the machine below it
 * (RISC-V SBI 2.0: base, timer, IPI, remote fences, system reset, debug console, and the legacy calls), for a
 * machine with one hart, a CLINT and an HTIF, such as the Cartesi emulator's.
 *
 * It lies at the start of RAM, is entered with the hart's number in a0 and the device tree in a1, and enters
 * the kernel 2 MiB further with the same. All of it is in the 512 KiB that the device tree reserves.
 *
 * HTIF is a pair of 64-bit words: a command goes to the first, device and command number in its upper 16 bits.
 * The console is written to without waiting for the word to become zero: the emulator takes a character in the
 * store itself, and keeps the word, so that who waits (OpenSBI's generic driver does) waits for ever.
 */
    .ifndef HTIF
    .equ HTIF, 0x40008000
    .endif
    .equ CLINT_TIMECMP, 0x02004000
    .equ KERNEL_OFFSET, 0x200000

    .equ PUTCHAR, 0x0101    /* device 1, command 1; to device 0, command 0, bit 0 says stop */

    .equ OK, 0
    .equ NOT_SUPPORTED, -2

    .equ EXT_BASE, 0x10
    .equ EXT_TIME, 0x54494d45
    .equ EXT_IPI, 0x735049
    .equ EXT_FENCE, 0x52464e43
    .equ EXT_RESET, 0x53525354
    .equ EXT_CONSOLE, 0x4442434e
    .equ LEGACY_LAST, 8

    .equ MIP_SSIP, 1 << 1
    .equ MIP_STIP, 1 << 5
    .equ MIE_MTIE, 1 << 7
    .equ MSTATUS_MPP_S, 1 << 11
    .equ MSTATUS_MPP, 3 << 11
    .equ CAUSE_ECALL_S, 9
    .equ CAUSE_TIMER, 7     /* with the interrupt bit */

    .equ FRAME, 6 * 8

    .equ FDT_STRUCTURE, 8   /* offsets in a device tree's head */
    .equ FDT_STRINGS, 12
    .equ FDT_BEGIN_NODE, 1
    .equ FDT_PROPERTY, 3
    .equ FDT_END, 9
    .equ ISA_PREFIX, 4      /* "rv64" */

    .option norvc
    .option norelax
    .section .text
    .globl _start
_start:
    /* Physical memory protection, where there is any, would keep the kernel out of everything. */
    la t0, 1f
    csrw mtvec, t0
    li t1, -1
    csrw pmpaddr0, t1
    li t1, 0x1f             /* everything may be read, written and executed */
    csrw pmpcfg0, t1
    .balign 4
1:
    la t0, trap
    csrw mtvec, t0
    la t0, stack_end
    csrw mscratch, t0
    /* What a kernel handles itself: every exception but its own call to us, and its own interrupts. */
    li t0, 0xb1ff
    csrw medeleg, t0
    li t0, 0x222
    csrw mideleg, t0
    li t0, 7                /* cycle, time and instret */
    csrw mcounteren, t0
    csrw mie, zero
    csrw satp, zero
    li t0, MSTATUS_MPP
    csrc mstatus, t0
    li t0, MSTATUS_MPP_S
    csrs mstatus, t0
    jal order_letters
    la t0, _start
    li t1, KERNEL_OFFSET
    add t0, t0, t1
    csrw mepc, t0
    mret

/* ---- the device tree --------------------------------------------------------------------------- */

/*
 * The emulator names the instruction set by its letters in alphabetical order, and Linux does not start on a hart
 * whose set does not begin with "rv64ima". Here the letters are put into the order that the specification gives
 * them. s1 is the place in the structure, s2 the strings.
 */
order_letters:
    mv s0, ra
    addi t0, a1, FDT_STRUCTURE
    jal big_endian
    add s1, a1, t0
    addi t0, a1, FDT_STRINGS
    jal big_endian
    add s2, a1, t0
next_token:
    mv t0, s1
    jal big_endian
    addi s1, s1, 4
    li t1, FDT_BEGIN_NODE
    beq t0, t1, node_name
    li t1, FDT_PROPERTY
    beq t0, t1, property
    li t1, FDT_END
    bne t0, t1, next_token  /* the end of a node, or nothing */
    jr s0
node_name:
    lbu t0, 0(s1)
    addi s1, s1, 1
    bnez t0, node_name
    j align
property:
    mv t0, s1
    jal big_endian
    mv s3, t0
    addi t0, s1, 4
    jal big_endian
    add t0, t0, s2
    addi s1, s1, 8
    la t1, isa_name
1:  lbu t2, 0(t0)
    lbu t3, 0(t1)
    bne t2, t3, value_ends
    addi t0, t0, 1
    addi t1, t1, 1
    bnez t2, 1b
    li t0, ISA_PREFIX
    bleu s3, t0, value_ends
    /* A set of letters, then the same ones in order. */
    add t0, s1, t0
    mv t3, t0
    li t4, 0
2:  lbu t1, 0(t0)
    addi t1, t1, -'a'
    li t2, 26
    bgeu t1, t2, 3f
    li t2, 1
    sll t2, t2, t1
    or t4, t4, t2
    addi t0, t0, 1
    j 2b
3:  la t0, isa_order
4:  lbu t1, 0(t0)
    beqz t1, value_ends
    addi t0, t0, 1
    addi t2, t1, -'a'
    srl t2, t4, t2
    andi t2, t2, 1
    beqz t2, 4b
    sb t1, 0(t3)
    addi t3, t3, 1
    j 4b
value_ends:
    add s1, s1, s3
align:
    addi s1, s1, 3
    andi s1, s1, -4
    j next_token

/* t0: 32 bits at t0; t1, t2 are spoilt. */
big_endian:
    lbu t1, 0(t0)
    slli t1, t1, 24
    lbu t2, 1(t0)
    slli t2, t2, 16
    or t1, t1, t2
    lbu t2, 2(t0)
    slli t2, t2, 8
    or t1, t1, t2
    lbu t2, 3(t0)
    or t0, t1, t2
    ret

/* ---- traps: the timer's interrupt, and calls -------------------------------------------------- */

    .balign 4
trap:
    csrrw sp, mscratch, sp
    beqz sp, failure        /* it is zero while we are at work */
    addi sp, sp, -FRAME
    sd ra, 0(sp)
    sd t0, 8(sp)
    sd t1, 16(sp)
    sd t2, 24(sp)
    sd t3, 32(sp)
    csrrw t0, mscratch, zero
    sd t0, 40(sp)
    csrr t0, mcause
    bltz t0, interrupt
    li t1, CAUSE_ECALL_S
    bne t0, t1, failure
    csrr t0, mepc
    addi t0, t0, 4
    csrw mepc, t0
    jal call
leave:
    ld t0, 40(sp)
    csrw mscratch, t0
    ld ra, 0(sp)
    ld t0, 8(sp)
    ld t1, 16(sp)
    ld t2, 24(sp)
    ld t3, 32(sp)
    addi sp, sp, FRAME
    csrrw sp, mscratch, sp
    mret

/* The machine's timer becomes the kernel's; nothing else is ever enabled. */
interrupt:
    slli t0, t0, 1
    srli t0, t0, 1
    li t1, CAUSE_TIMER
    bne t0, t1, failure
    li t0, MIE_MTIE
    csrc mie, t0
    li t0, MIP_STIP
    csrs mip, t0
    j leave

/* We have failed ourselves: the machine stops with status 127. */
failure:
    li a1, 127
    j halt

/* ---- calls: extension in a7, function in a6; error in a0, value in a1 ------------------------- */

call:
    li t0, LEGACY_LAST
    bleu a7, t0, legacy
    li t0, EXT_BASE
    beq a7, t0, base
    li t0, EXT_TIME
    beq a7, t0, time
    li t0, EXT_CONSOLE
    beq a7, t0, console
    li t0, EXT_RESET
    beq a7, t0, reset
    li t0, EXT_IPI
    beq a7, t0, ipi
    li t0, EXT_FENCE
    beq a7, t0, fences
unknown:
    li a0, NOT_SUPPORTED
    li a1, 0
    ret
done:
    li a0, OK
    li a1, 0
    ret

base:
    li t0, 6
    bgtu a6, t0, unknown
    slli t0, a6, 3
    la t1, base_table
    add t0, t0, t1
    jr t0
base_table:                 /* two instructions each */
    li a1, 0x2000000        /* version 2.0 of the specification */
    j value
    li a1, 0x415            /* who we are: no registered number */
    j value
    li a1, 1
    j value
    j probe
    nop
    csrr a1, mvendorid
    j value
    csrr a1, marchid
    j value
    csrr a1, mimpid
value:
    li a0, OK
    ret

probe:
    li a1, 1
    li t0, LEGACY_LAST
    bleu a0, t0, value
    li t0, EXT_BASE
    beq a0, t0, value
    li t0, EXT_TIME
    beq a0, t0, value
    li t0, EXT_CONSOLE
    beq a0, t0, value
    li t0, EXT_RESET
    beq a0, t0, value
    li t0, EXT_IPI
    beq a0, t0, value
    li t0, EXT_FENCE
    beq a0, t0, value
    li a1, 0
    j value

time:
    bnez a6, unknown
set_timer:                  /* a0: when */
    li t0, CLINT_TIMECMP
    sd a0, 0(t0)
    li t0, MIP_STIP
    csrc mip, t0
    li t0, MIE_MTIE
    csrs mie, t0
    j done

ipi:
    bnez a6, unknown
send_ipi:                   /* there is nobody but ourselves */
    li t0, MIP_SSIP
    csrs mip, t0
    j done

fences:
    li t0, 2
    bgtu a6, t0, unknown
fence_all:
    fence.i
    sfence.vma
    j done

/* Shutting down and rebooting are the same here; a1 is 1 when the system has failed. */
reset:
    bnez a6, unknown
halt:                       /* a1: status */
    slli t0, a1, 1
    ori t0, t0, 1
    li t1, HTIF
    sd t0, 0(t1)
1:  j 1b

console:
    beqz a6, console_write
    li t0, 1
    beq a6, t0, done        /* read: nothing is ever typed */
    li t0, 2
    bne a6, t0, unknown
    mv t2, a0
    mv t3, ra
    jal putchar
    mv ra, t3
    j done

console_write:              /* a0: how many, a1 and a2: where in physical memory */
    bnez a2, unknown
    mv t3, ra
    add a2, a1, a0          /* a2 was zero, and is again */
1:  beq a1, a2, 2f
    lbu t2, 0(a1)
    jal putchar
    addi a1, a1, 1
    j 1b
2:  li a2, 0
    mv a1, a0
    mv ra, t3
    j value

putchar:                    /* t2; leaves all but t0, t1 */
    andi t0, t2, 0xff
    li t1, PUTCHAR << 48
    or t0, t0, t1
    li t1, HTIF
    sd t0, 0(t1)
    ret

/* Legacy calls have no function and no value: the answer is a0, and a1 stays. */
legacy:
    slli t0, a7, 2
    la t1, legacy_table
    add t0, t0, t1
    jr t0
legacy_table:
    j legacy_timer
    j legacy_putchar
    j legacy_getchar
    j legacy_clear_ipi
    j legacy_ipi
    j legacy_fence
    j legacy_fence
    j legacy_fence
    li a1, 0                /* shut down */
    j halt
legacy_timer:
    mv t2, a1
    mv t3, ra
    jal set_timer
    j legacy_leave
legacy_putchar:
    mv t2, a0
    mv t3, ra
    jal putchar
    mv ra, t3
    li a0, OK
    ret
legacy_getchar:
    li a0, -1
    ret
legacy_clear_ipi:
    li t0, MIP_SSIP
    csrc mip, t0
    li a0, OK
    ret
legacy_ipi:
    mv t2, a1
    mv t3, ra
    jal send_ipi
    j legacy_leave
legacy_fence:
    mv t2, a1
    mv t3, ra
    jal fence_all
legacy_leave:
    mv a1, t2
    mv ra, t3
    ret

    .section .data
isa_name:
    .asciz "riscv,isa"
isa_order:
    .asciz "iemafdqlcbkjtpvnhsuxyzgorw"

    .section .bss
    .balign 16
stack:
    .skip 1024
stack_end:
