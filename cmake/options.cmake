# What every target of the project is compiled with.
add_library(ohmic_options INTERFACE)
target_include_directories(ohmic_options INTERFACE ${PROJECT_SOURCE_DIR})
# No contraction, no fast-math: the same source gives the same bits everywhere. errno after sqrt() is nobody's business.
target_compile_options(ohmic_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
                                               -ffp-contract=off -fno-math-errno)
# GCC 12 gives false reports of both kinds for std::variant and std::string at -O3.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(ohmic_options INTERFACE -Wno-maybe-uninitialized -Wno-restrict)
endif()
if(OHMIC_WERROR)
  target_compile_options(ohmic_options INTERFACE -Werror)
endif()
if(OHMIC_SANITIZE)
  target_compile_options(ohmic_options INTERFACE -fsanitize=${OHMIC_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(ohmic_options INTERFACE -fsanitize=${OHMIC_SANITIZE})
endif()
# Every branch is counted, and the first undefined operation ends the program.
if(OHMIC_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "OHMIC_FUZZ needs clang (./packages lint; cmake --preset fuzz)")
  endif()
  target_compile_options(ohmic_options INTERFACE -fsanitize=fuzzer-no-link -fno-sanitize-recover=all)
endif()

# The level of the program, except for the kernels and the start-up check, which choose their own.
add_library(ohmic_level INTERFACE)
if(OHMIC_ISA)
  target_compile_options(ohmic_level INTERFACE -march=${OHMIC_ISA})
endif()
