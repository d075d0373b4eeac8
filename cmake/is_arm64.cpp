// Compiles for 64-bit ARM only; asked by instruction_sets.cmake.
#if !defined(__aarch64__) && !defined(_M_ARM64)
#error "not arm64"
#endif
int main() { return 0; }
