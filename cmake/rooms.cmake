# ohmic_room(NAME): the static library of a room, of its sources; its link list is its arrows. A sub-room "lab/study" is ohmic_lab_study
# here, Ohmic::lab_study where the package is used.
function(ohmic_room name)
  string(REPLACE "/" "_" target ohmic_${name})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${name}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "kernels_(v2|v3|v4|generic)\\.cpp$|/main\\.cpp$|/processor_check\\.cpp$")
  add_library(${target} STATIC ${sources})
  set_property(GLOBAL APPEND PROPERTY OHMIC_ROOMS ${name})
  target_link_libraries(${target} PUBLIC $<BUILD_INTERFACE:ohmic_options>
                                  PRIVATE $<BUILD_INTERFACE:ohmic_level> fmt::fmt)
endfunction()
