# How posekit's own examples, tests and benchmarks, and the library that they link, are compiled.
add_library(posekit_options INTERFACE)
target_compile_options(posekit_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # Wrongly reported of std::string's operator+ by g++ 12 (its bug 105651).
  target_compile_options(posekit_options INTERFACE -Wno-restrict)
endif()
if(POSEKIT_NATIVE)
  target_compile_options(posekit_options INTERFACE -march=native)
endif()
posekit_spare_constants(posekit_options INTERFACE)
if(POSEKIT_SANITIZE)
  # What null, vptr and object-size find AddressSanitizer finds too; they cost a fifth of the compiler's time.
  target_compile_options(posekit_options INTERFACE -fsanitize=${POSEKIT_SANITIZE}
    -fno-sanitize=null,vptr,object-size -fno-sanitize-recover=all -fno-omit-frame-pointer -g1
    $<$<CXX_COMPILER_ID:Clang>:-fsanitize-ignorelist=${PROJECT_SOURCE_DIR}/tests/sanitizers/uninstrumented.txt>)
  target_link_options(posekit_options INTERFACE -fsanitize=${POSEKIT_SANITIZE})
endif()

# Static libraries are compiled beside what they are linked with, not after it.
set(CMAKE_OPTIMIZE_DEPENDENCIES ON)

add_library(posekit_program INTERFACE)
target_link_libraries(posekit_program INTERFACE posekit::compiled posekit_options)

# posekit_add_program(name SOURCES... [LIBRARIES...])
function(posekit_add_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE posekit_program ${ARG_LIBRARIES})
endfunction()
