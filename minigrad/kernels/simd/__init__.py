"""Vector code written by hand, and scalar functions whose loops LLVM vectorises."""
