# Which instruction sets the kernels are compiled for, and with which flags.
#
# Sets SHALLOWCORE_ISAS (worst first), unless it is given to build fewer of them, and
# SHALLOWCORE_RUNNABLE_ISAS (those the build machine itself, or its emulator, can execute: native tests
# are registered for these).
# shallowcore_add_kernels(<isa>) makes the object library shallowcore_kernels_<isa>.
#
# To add one: a branch in the list below, its flags in SHALLOWCORE_FLAGS_<isa>, a probe that is true
# when a machine has every one of those flags, and an entry in cpp/kernels/table.cpp.
include(CheckCXXSourceRuns)

# Formulae mean what they say: no reassociation, no contraction the source did not ask for.
set(SHALLOWCORE_MATH_FLAGS -ffp-contract=off -fno-math-errno -fno-trapping-math)

set(SHALLOWCORE_FLAGS_baseline "")
set(SHALLOWCORE_FLAGS_neon "")
set(SHALLOWCORE_FLAGS_avx2 -mavx2 -mfma)
set(SHALLOWCORE_FLAGS_avx512 -mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx2 -mfma
                             -mprefer-vector-width=512)
set(SHALLOWCORE_PROBE_baseline "1")
set(SHALLOWCORE_PROBE_neon "1")
set(SHALLOWCORE_PROBE_avx2 "__builtin_cpu_supports(\"avx2\") && __builtin_cpu_supports(\"fma\")")
set(SHALLOWCORE_PROBE_avx512
    "__builtin_cpu_supports(\"avx512f\") && __builtin_cpu_supports(\"avx512dq\") && \
__builtin_cpu_supports(\"avx512bw\") && __builtin_cpu_supports(\"avx512vl\") && \
__builtin_cpu_supports(\"fma\")")

# clang-cl takes the flags of clang when each is announced as one.
if(CMAKE_CXX_COMPILER_FRONTEND_VARIANT STREQUAL "MSVC")
  foreach(flags MATH_FLAGS FLAGS_avx2 FLAGS_avx512)
    list(TRANSFORM SHALLOWCORE_${flags} PREPEND "/clang:")
  endforeach()
endif()

# The compiler knows what it compiles for; CMAKE_SYSTEM_PROCESSOR may be a cross-compiler's host.
try_compile(SHALLOWCORE_TARGET_X86_64 ${PROJECT_BINARY_DIR}/probe
            ${CMAKE_CURRENT_LIST_DIR}/is_x86_64.cpp)
try_compile(SHALLOWCORE_TARGET_ARM64 ${PROJECT_BINARY_DIR}/probe
            ${CMAKE_CURRENT_LIST_DIR}/is_arm64.cpp)
if(SHALLOWCORE_ISAS)
  message(STATUS "Instruction sets as given: ${SHALLOWCORE_ISAS}")
elseif(SHALLOWCORE_TARGET_X86_64)
  set(SHALLOWCORE_ISAS baseline avx2 avx512)
elseif(SHALLOWCORE_TARGET_ARM64)
  set(SHALLOWCORE_ISAS neon)
else()
  set(SHALLOWCORE_ISAS baseline)
endif()

function(shallowcore_add_kernels isa)
  set(target shallowcore_kernels_${isa})
  add_library(${target} OBJECT ${PROJECT_SOURCE_DIR}/cpp/kernels/isa.cpp)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/cpp)
  target_compile_definitions(${target} PRIVATE SHALLOWCORE_ISA=${isa})
  target_link_libraries(${target} PRIVATE shallowcore_flags)
  # Vectors are passed between functions of one instruction set only: GCC's note about that ABI and
  # its mistrust of vector attributes in template arguments are beside the point.
  target_compile_options(
    ${target} PRIVATE ${SHALLOWCORE_FLAGS_${isa}}
                      $<$<CXX_COMPILER_ID:GNU>:-Wno-psabi -Wno-ignored-attributes>)
endfunction()

# Sets SHALLOWCORE_RUNNABLE_ISAS.
function(shallowcore_find_runnable_isas)
  set(runnable "")
  foreach(isa IN LISTS SHALLOWCORE_ISAS)
    check_cxx_source_runs("int main() { return (${SHALLOWCORE_PROBE_${isa}}) ? 0 : 1; }"
                          SHALLOWCORE_RUNS_${isa})
    if(SHALLOWCORE_RUNS_${isa})
      list(APPEND runnable ${isa})
    endif()
  endforeach()
  set(SHALLOWCORE_RUNNABLE_ISAS ${runnable} PARENT_SCOPE)
endfunction()
