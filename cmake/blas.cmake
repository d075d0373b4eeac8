# The BLAS behind SHALLOWCORE_BLAS, as the interface target shallowcore_blas.
#
#   none        no BLAS: the core's own kernels do everything (the default)
#   openblas    the scipy-openblas32 package if Python has it, copied with a SONAME of its own so
#               that its thread setting and NumPy's never meet; else an OpenBLAS of the system
#   accelerate  Apple's framework
#   <vendor>    any vendor of CMake's FindBLAS, spelled as there (OpenBLAS, FLAME, FlexiBLAS, ...)
#
# Only cpp/core/blas.cpp uses it; that file is given
#   SHALLOWCORE_BLAS_NAME         string, the value of the option; not defined for "none"
#   SHALLOWCORE_BLAS_SCIPY        defined for scipy-openblas32, whose symbols begin with scipy_
#   SHALLOWCORE_BLAS_ACCELERATE   defined for Apple's framework, whose header is not cblas.h
set(SHALLOWCORE_BLAS none CACHE STRING "BLAS: none, openblas, accelerate or a FindBLAS vendor")

add_library(shallowcore_blas INTERFACE)

# Sets <out> to the folder of the scipy-openblas32 package, empty without it.
function(shallowcore_find_scipy_openblas out)
  find_package(Python 3.10 QUIET COMPONENTS Interpreter)
  set(${out} "" PARENT_SCOPE)
  if(Python_Interpreter_FOUND)
    execute_process(
      COMMAND ${Python_EXECUTABLE} -c
              "import pathlib, scipy_openblas32 as s; print(pathlib.Path(s.__file__).parent.as_posix())"
      OUTPUT_VARIABLE folder OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
    if(NOT failed)
      set(${out} ${folder} PARENT_SCOPE)
    endif()
  endif()
endfunction()

# Copies the package's library into the build under a name and SONAME of ours; the copy is installed
# next to the module, because a build requirement is gone once the build is over.
function(shallowcore_use_scipy_openblas folder)
  file(GLOB found ${folder}/lib/libscipy_openblas.so ${folder}/lib/libscipy_openblas.dylib
       ${folder}/lib/libscipy_openblas.dll ${folder}/bin/libscipy_openblas.dll)
  list(LENGTH found n_found)
  if(NOT n_found EQUAL 1)
    message(FATAL_ERROR "scipy-openblas32 in ${folder} should hold one library, has: ${found}")
  endif()
  add_library(shallowcore_openblas SHARED IMPORTED GLOBAL)
  if(WIN32)
    # A DLL is known to its import library by name: copied as it is.
    set(copy ${PROJECT_BINARY_DIR}/openblas/libscipy_openblas.dll)
    file(GLOB import_library ${folder}/lib/*.lib)
    set_target_properties(shallowcore_openblas PROPERTIES IMPORTED_IMPLIB "${import_library}")
    configure_file(${found} ${copy} COPYONLY)
  else()
    set(copy ${PROJECT_BINARY_DIR}/openblas/libshallowcore_openblas${CMAKE_SHARED_LIBRARY_SUFFIX})
    configure_file(${found} ${copy} COPYONLY)
    if(APPLE)
      execute_process(COMMAND install_name_tool -id @rpath/libshallowcore_openblas.dylib ${copy}
                              COMMAND_ERROR_IS_FATAL ANY)
    else()
      find_program(SHALLOWCORE_PATCHELF patchelf REQUIRED)
      execute_process(COMMAND ${SHALLOWCORE_PATCHELF} --set-soname libshallowcore_openblas.so
                              ${copy} COMMAND_ERROR_IS_FATAL ANY)
    endif()
  endif()
  set_target_properties(shallowcore_openblas PROPERTIES IMPORTED_LOCATION ${copy})
  target_include_directories(shallowcore_blas INTERFACE ${folder}/include)
  target_link_libraries(shallowcore_blas INTERFACE shallowcore_openblas)
  target_compile_definitions(shallowcore_blas INTERFACE SHALLOWCORE_BLAS_SCIPY)
  file(GLOB licence ${folder}-*/licenses/LICENSE.txt)
  if(NOT licence)
    message(FATAL_ERROR "scipy-openblas32 in ${folder} comes without the licence to ship with it")
  endif()
  set(SHALLOWCORE_BUNDLED_BLAS ${copy} PARENT_SCOPE)
  set(SHALLOWCORE_BUNDLED_BLAS_LICENSE ${licence} PARENT_SCOPE)
endfunction()

# A BLAS of the system, by FindBLAS' name for it.
function(shallowcore_use_system_blas vendor)
  set(BLA_VENDOR ${vendor})
  find_package(BLAS REQUIRED)
  target_link_libraries(shallowcore_blas INTERFACE BLAS::BLAS)
  find_path(SHALLOWCORE_CBLAS_FOLDER NAMES cblas.h REQUIRED
            PATH_SUFFIXES openblas openblas-pthread blis flexiblas)
  target_include_directories(shallowcore_blas INTERFACE ${SHALLOWCORE_CBLAS_FOLDER})
endfunction()

if(SHALLOWCORE_BLAS STREQUAL "none")
  return()
endif()
target_compile_definitions(shallowcore_blas INTERFACE SHALLOWCORE_BLAS_NAME="${SHALLOWCORE_BLAS}")
if(SHALLOWCORE_BLAS STREQUAL "accelerate")
  target_compile_definitions(shallowcore_blas INTERFACE SHALLOWCORE_BLAS_ACCELERATE
                                                        ACCELERATE_NEW_LAPACK)
  target_link_libraries(shallowcore_blas INTERFACE "-framework Accelerate")
elseif(SHALLOWCORE_BLAS STREQUAL "openblas")
  shallowcore_find_scipy_openblas(scipy_openblas)
  if(scipy_openblas)
    shallowcore_use_scipy_openblas(${scipy_openblas})
  else()
    message(STATUS "No scipy-openblas32 package: looking for an OpenBLAS of the system")
    shallowcore_use_system_blas(OpenBLAS)
  endif()
else()
  shallowcore_use_system_blas(${SHALLOWCORE_BLAS})
endif()
