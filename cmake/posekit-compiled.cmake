# posekit::compiled is posekit::posekit and a library of what its headers define, for float and double.
# Files with the -m flags it was compiled with leave the definitions to it; others compile them, as ever
# (include/posekit/core/definitions.hpp).

# With AVX-512, g++ 12 copies the constants {7, 7, 0, 0} as {7, 7, 7, 7} (64-bit values, all equal up to
# zeros at the end, moved as one of 256 or 512 bits): it is kept from such moves.
function(posekit_spare_constants target scope)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    include(CheckCXXCompilerFlag)
    check_cxx_compiler_flag("-mmove-max=128 -mstore-max=128" POSEKIT_HAS_MOVE_MAX)
    if(POSEKIT_HAS_MOVE_MAX)
      target_compile_options(${target} ${scope} -mmove-max=128 -mstore-max=128)
    endif()
  endif()
endfunction()

# posekit_find_isa(result FLAGS...): the namespace that posekit is in for a file with these flags and the
# directory's own.
function(posekit_find_isa result)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
  separate_arguments(flags UNIX_COMMAND "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${build_type}}")
  get_directory_property(directory_options COMPILE_OPTIONS)
  set(options "")
  foreach(option ${directory_options} ${ARGN})
    string(REGEX REPLACE "^\\$<\\$<COMPILE_LANGUAGE:[A-Z,]*CXX[A-Z,]*>:(.*)>$" "\\1" option "${option}")
    string(GENEX_STRIP "${option}" option)
    string(REGEX REPLACE "^SHELL:" "" option "${option}")
    separate_arguments(option UNIX_COMMAND "${option}")
    list(APPEND options ${option})
  endforeach()
  set(file ${CMAKE_CURRENT_BINARY_DIR}/posekit-isa.cpp)
  file(WRITE ${file} "#include <posekit/core/isa.hpp>\nPOSEKIT_ISA\n")
  execute_process(
    COMMAND ${CMAKE_CXX_COMPILER} -std=c++20 ${flags} ${options} -I ${CMAKE_CURRENT_SOURCE_DIR}/include -E -P ${file}
    OUTPUT_VARIABLE text ERROR_VARIABLE error RESULT_VARIABLE status)
  if(status EQUAL 0 AND text MATCHES "(isa_[a-z0-9]+_[01]+)[ \n]*$")
    set(${result} ${CMAKE_MATCH_1} PARENT_SCOPE)
  else()
    message(STATUS "what posekit::compiled would be compiled for was not found, so there is none:\n${error}")
    set(${result} "" PARENT_SCOPE)
  endif()
endfunction()

# To be called when the options of posekit's own programs are known.
function(posekit_add_compiled)
  set(options "")
  if(TARGET posekit_options)
    get_target_property(options posekit_options INTERFACE_COMPILE_OPTIONS)
  endif()
  posekit_find_isa(isa ${options})
  if(NOT isa)
    return()
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/src/*.cpp)
  add_library(posekit_compiled STATIC ${sources})
  add_library(posekit::compiled ALIAS posekit_compiled)
  set_target_properties(posekit_compiled PROPERTIES
    EXPORT_NAME compiled OUTPUT_NAME posekit POSITION_INDEPENDENT_CODE ON UNITY_BUILD OFF)
  target_link_libraries(posekit_compiled PUBLIC posekit)
  if(TARGET posekit_options)
    target_link_libraries(posekit_compiled PRIVATE $<BUILD_INTERFACE:posekit_options>)
  else()
    posekit_spare_constants(posekit_compiled PRIVATE)
  endif()
  target_compile_definitions(posekit_compiled PUBLIC POSEKIT_COMPILED POSEKIT_COMPILED_FOR_${isa}=1)
  if(NOT POSEKIT_BUILD_COMPILED)
    set_target_properties(posekit_compiled PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
endfunction()
