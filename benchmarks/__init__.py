"""What is fast, measured: one module per question, run by ``python -m benchmarks``."""
