# What posekit's headers include. Used by the project itself and by the installed package.
if(CMAKE_FIND_PACKAGE_NAME STREQUAL "posekit")
  include(CMakeFindDependencyMacro)
  macro(posekit_require)
    find_dependency(${ARGN})
  endmacro()
else()
  macro(posekit_require)
    find_package(${ARGN} REQUIRED)
  endmacro()
endif()

posekit_require(Eigen3 3.4)
posekit_require(xtensor)
posekit_require(xsimd)
posekit_require(nlohmann_json)
posekit_require(Threads)
# Without OpenMP everything works, on one thread.
find_package(OpenMP COMPONENTS CXX QUIET)

# A project that includes posekit as a subdirectory links from outside this directory.
foreach(posekit_target Eigen3::Eigen xtl xtensor xsimd nlohmann_json::nlohmann_json Threads::Threads
        OpenMP::OpenMP_CXX)
  if(TARGET ${posekit_target})
    get_target_property(posekit_imported ${posekit_target} IMPORTED)
    get_target_property(posekit_aliased ${posekit_target} ALIASED_TARGET)
    if(posekit_imported AND NOT posekit_aliased)
      set_target_properties(${posekit_target} PROPERTIES IMPORTED_GLOBAL TRUE)
    endif()
  endif()
endforeach()
