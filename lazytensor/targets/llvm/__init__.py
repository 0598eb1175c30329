"""The native target: kernels to LLVM IR, compiled by llvmlite for the processor at hand.

What enters: a Kernel; then launches with buffers. What leaves: filled buffers.
"""
