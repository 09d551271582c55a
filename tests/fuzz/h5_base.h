#pragma once

#include "fuzz/target.h"
#include "io/h5.h"
#include "io/whole_file.h"

/// HDF5 files to begin with: the inputs of their targets are edits of them (edited()).
namespace ohmic::fuzz {

/// The bytes of what `write(h5::Writer&)` writes, sealed.
template <class Write>
std::string written(Write write) {
  const std::filesystem::path file = file_of("", "base.h5");
  h5::Writer out(file);
  write(out);
  out.commit();
  return read_whole_file(file);
}

/// A sealed file as another program would have written it.
inline std::string without_seal(std::string bytes) {
  const std::size_t seal = h5::seal_text(std::string(32, '0')).size();
  bytes.resize(bytes.size() - seal);
  for (std::size_t at; (at = bytes.find("ohmic seal")) != bytes.npos;) bytes[at] = 'O';
  return bytes;
}

}  // namespace ohmic::fuzz
