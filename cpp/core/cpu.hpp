// Which instruction sets this processor (and its operating system) can run.
#pragma once

namespace shallowcore {

// Every flag that the AVX2 kernels / the AVX-512 kernels are compiled with.
bool cpu_has_avx2();
bool cpu_has_avx512();

}  // namespace shallowcore
