/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Supervisor code that asks everything of the firmware in examples/hello-cartesi/firmware and prints what it
 * finds: "A", the letters of the instruction set in the device tree (LETTERS is where), "hello"; then "timer"
 * and "ipi" when those interrupts came, and "shut down" before it asks for that. "wrong" when an answer is.
 */
    .equ EXT_BASE, 0x10
    .equ EXT_TIME, 0x54494d45
    .equ EXT_IPI, 0x735049
    .equ EXT_RESET, 0x53525354
    .equ EXT_CONSOLE, 0x4442434e
    .equ EXT_HART_STATE, 0x48534d
    .equ CLINT_TIME, 0x0200bff8
    .equ NOT_SUPPORTED, -2
    .equ STIP, 1 << 5
    .equ SSIP, 1 << 1

    .macro call extension, function
    li a7, \extension
    li a6, \function
    ecall
    .endm

    .macro say text
    la s2, \text
    jal print
    .endm

    .option norvc
    .option norelax
    .section .text
    .globl _start
_start:
    mv s1, a1
    la t0, handler
    csrw stvec, t0

    call EXT_BASE, 0
    bnez a0, wrong
    li t0, 0x2000000
    bne a1, t0, wrong
    li a0, EXT_CONSOLE
    call EXT_BASE, 3
    bnez a0, wrong
    li t0, 1
    bne a1, t0, wrong
    li a0, EXT_HART_STATE
    call EXT_BASE, 3
    bnez a0, wrong
    bnez a1, wrong
    call EXT_BASE, 7
    li t0, NOT_SUPPORTED
    bne a0, t0, wrong
    call EXT_HART_STATE, 0
    li t0, NOT_SUPPORTED
    bne a0, t0, wrong

    li a0, 'A'              /* legacy: a1 stays */
    li a1, 77
    call 1, 5
    bnez a0, wrong
    li t0, 77
    bne a1, t0, wrong
    li a0, '\n'
    call EXT_CONSOLE, 2
    bnez a0, wrong

    /* The letters, LETTERS bytes into the device tree, to their end or to an underscore. */
    li s3, LETTERS
    add s3, s3, s1
2:  lbu a0, 0(s3)
    beqz a0, 3f
    li t0, '_'
    beq a0, t0, 3f
    call EXT_CONSOLE, 2
    addi s3, s3, 1
    j 2b
3:  li a0, '\n'
    call EXT_CONSOLE, 2
    say hello

    li t0, STIP
    csrs sie, t0
    csrsi sstatus, 2
    li t0, CLINT_TIME
    ld a0, 0(t0)
    addi a0, a0, 2
    call EXT_TIME, 0
    bnez a0, wrong
4:  la t0, timers
    lw t0, 0(t0)
    beqz t0, 4b
    say timer

    li t0, SSIP
    csrs sie, t0
    li a0, 1
    li a1, 0
    call EXT_IPI, 0
    bnez a0, wrong
5:  la t0, softwares
    lw t0, 0(t0)
    beqz t0, 5b
    say ipi

    say bye
    li a0, 0
    li a1, 0
    call EXT_RESET, 0
wrong:
    say bad
    li a0, 0
    li a1, 1
    call EXT_RESET, 0
    j wrong

/* The text at s2: its length, then its bytes. */
print:
    lbu a0, 0(s2)
    addi a1, s2, 1
    li a2, 0
    mv s4, a0
    call EXT_CONSOLE, 0
    bnez a0, wrong
    bne a1, s4, wrong
    ret

    .balign 4
handler:
    csrw sscratch, t0
    csrr t0, scause
    slli t0, t0, 1
    srli t0, t0, 1
    addi t0, t0, -5
    bnez t0, 1f
    li t0, STIP
    csrc sie, t0
    la t0, timers
    j 2f
1:  csrci sip, SSIP
    la t0, softwares
2:  sd t1, 8(t0)
    li t1, 1
    sw t1, 0(t0)
    ld t1, 8(t0)
    csrr t0, sscratch
    sret

    .section .data
    .balign 8
timers:
    .skip 16
softwares:
    .skip 16
    .macro text label, bytes
\label:
    .byte 9f - 8f
8:  .ascii "\bytes\n"
9:
    .endm
    text hello, "hello"
    text timer, "timer"
    text ipi, "ipi"
    text bye, "shut down"
    text bad, "wrong"
