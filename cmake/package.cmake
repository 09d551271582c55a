# What `cmake --install` puts under the prefix: the program with its experiments, presets and examples, and the rooms below cli as a
# CMake package. Nothing in it knows the prefix, so the tree may be moved.
include(CMakePackageConfigHelpers)

install(TARGETS ohmic RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY data/experiments data/networks data/presets DESTINATION ${CMAKE_INSTALL_DATADIR}/ohmic/data)
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DATADIR}/ohmic USE_SOURCE_PERMISSIONS)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/Ohmic)
get_property(rooms GLOBAL PROPERTY OHMIC_ROOMS)
list(REMOVE_ITEM rooms cli)
foreach(room ${rooms} lab)
  string(REPLACE "/" "_" name ${room})
  set_target_properties(ohmic_${name} PROPERTIES EXPORT_NAME ${name})
  add_library(Ohmic::${name} ALIAS ohmic_${name})
  install(TARGETS ohmic_${name} EXPORT OhmicTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(DIRECTORY ${room}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/ohmic/${room} FILES_MATCHING PATTERN "*.h")
endforeach()
install(FILES ${PROJECT_BINARY_DIR}/generated/lab/experiment/version.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/ohmic/lab/experiment)

# A user compiles the headers as the libraries were compiled: inlined arithmetic gives the same bits, and Eigen's alignment agrees.
target_include_directories(ohmic_base INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/ohmic>)
target_compile_features(ohmic_base INTERFACE cxx_std_20)
target_compile_options(ohmic_base INTERFACE $<INSTALL_INTERFACE:-ffp-contract=off>)
if(OHMIC_ISA)
  target_compile_options(ohmic_base INTERFACE $<INSTALL_INTERFACE:-march=${OHMIC_ISA}>)
endif()

configure_package_config_file(cmake/OhmicConfig.cmake.in OhmicConfig.cmake INSTALL_DESTINATION ${package_folder}
                              NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(OhmicConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/OhmicConfig.cmake ${PROJECT_BINARY_DIR}/OhmicConfigVersion.cmake
        DESTINATION ${package_folder})
install(EXPORT OhmicTargets NAMESPACE Ohmic:: DESTINATION ${package_folder})
