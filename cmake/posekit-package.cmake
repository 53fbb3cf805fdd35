# `cpack` in the build folder makes posekit_<version>_<architecture>.deb. scripts/package.sh builds the
# commands for newer processors too and names their build folders in POSEKIT_PACKAGE_WITH.
set(POSEKIT_PACKAGE_WITH "" CACHE STRING "Build folders whose commands go into the package too")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME posekit)
set(CPACK_PACKAGE_CONTACT "The posekit authors <posekit@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "human pose networks, measured and explained")
set(CPACK_PACKAGE_DESCRIPTION "Commands that say which pixels of a photo made a pose network put each joint
where it did, measure poses, and train networks; and the C++ library they are made of.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# npm: for posekit fetch, which installs it when it is called
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "npm, libeigen3-dev, libxtensor-dev, libxsimd-dev, nlohmann-json3-dev, libstb-dev")
set(CPACK_INSTALL_CMAKE_PROJECTS "${CMAKE_BINARY_DIR};${PROJECT_NAME};ALL;/")
foreach(folder ${POSEKIT_PACKAGE_WITH})
  list(APPEND CPACK_INSTALL_CMAKE_PROJECTS "${folder};${PROJECT_NAME};commands;/")
endforeach()
include(CPack)
