# The extension module shallowcore/_core: cpp/bind around the core.
find_package(Python 3.10 REQUIRED COMPONENTS Interpreter Development.Module)
if(NOT SKBUILD AND NOT pybind11_DIR)
  execute_process(COMMAND ${Python_EXECUTABLE} -m pybind11 --cmakedir
                  OUTPUT_VARIABLE pybind11_DIR OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
find_package(pybind11 2.13 CONFIG REQUIRED)

pybind11_add_module(
  _core MODULE
  cpp/bind/arrays.cpp
  cpp/bind/module.cpp
  cpp/bind/bind_config.cpp
  cpp/bind/bind_network.cpp
  cpp/bind/bind_ops.cpp
  cpp/bind/bind_registry.cpp
  cpp/bind/bind_stepper.cpp
  cpp/bind/bind_exclusive.cpp
  cpp/bind/bind_trainer.cpp
  cpp/bind/errors.cpp)
target_link_libraries(_core PRIVATE shallowcore_core)
target_compile_definitions(_core PRIVATE SHALLOWCORE_VERSION="${PROJECT_VERSION}")
install(TARGETS _core LIBRARY DESTINATION shallowcore)

# A bundled BLAS travels in the package and is found from where the module lies.
if(SHALLOWCORE_BUNDLED_BLAS)
  if(APPLE)
    set_target_properties(_core PROPERTIES INSTALL_RPATH "@loader_path/_libs")
  elseif(NOT WIN32)
    set_target_properties(_core PROPERTIES INSTALL_RPATH "$ORIGIN/_libs")
  endif()
  set(folder $<IF:$<BOOL:${WIN32}>,shallowcore,shallowcore/_libs>)
  install(FILES ${SHALLOWCORE_BUNDLED_BLAS} DESTINATION ${folder})
  install(FILES ${SHALLOWCORE_BUNDLED_BLAS_LICENSE} DESTINATION shallowcore/_libs
          RENAME LICENSE-openblas.txt)
endif()
