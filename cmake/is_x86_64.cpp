// Compiles for x86-64 only; asked by instruction_sets.cmake.
#if !defined(__x86_64__) && !defined(_M_X64)
#error "not x86-64"
#endif
int main() { return 0; }
