# How posekit's own examples, tests and benchmarks are compiled.
add_library(posekit_program INTERFACE)
target_link_libraries(posekit_program INTERFACE posekit::posekit)
target_compile_options(posekit_program INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # Wrongly reported of std::string's operator+ by g++ 12 (its bug 105651).
  target_compile_options(posekit_program INTERFACE -Wno-restrict)
endif()
if(POSEKIT_NATIVE)
  target_compile_options(posekit_program INTERFACE -march=native)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # With AVX-512, g++ 12 copies the constants {7, 7, 0, 0} as {7, 7, 7, 7} (64-bit values, all equal up to
  # zeros at the end, moved as one of 256 or 512 bits): it is kept from such moves.
  include(CheckCXXCompilerFlag)
  check_cxx_compiler_flag("-mmove-max=128 -mstore-max=128" POSEKIT_HAS_MOVE_MAX)
  if(POSEKIT_HAS_MOVE_MAX)
    target_compile_options(posekit_program INTERFACE -mmove-max=128 -mstore-max=128)
  endif()
endif()
if(POSEKIT_SANITIZE)
  # What null, vptr and object-size find AddressSanitizer finds too; they cost a fifth of the compiler's time.
  target_compile_options(posekit_program INTERFACE -fsanitize=${POSEKIT_SANITIZE}
    -fno-sanitize=null,vptr,object-size -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  target_link_options(posekit_program INTERFACE -fsanitize=${POSEKIT_SANITIZE})
endif()

# posekit_program(name SOURCES... [LIBRARIES...])
function(posekit_add_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE posekit_program ${ARG_LIBRARIES})
endfunction()
