#pragma once

#include <hdf5.h>

#include <mutex>
#include <string>
#include <utility>
#include <vector>

/// What the reader and the writer of HDF5 share; no other file includes it.
namespace ohmic::h5 {

/// The one lock around every call (Debian's library is not thread-safe). Errors become exceptions,
/// so the library prints nothing, now or at exit.
class Lock {
 public:
  Lock() : guard_(mutex()) {
    static const herr_t kNoExitHandler = H5dont_atexit();
    static_cast<void>(kNoExitHandler);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }

 private:
  static std::mutex& mutex() {
    static std::mutex one;
    return one;
  }
  std::lock_guard<std::mutex> guard_;
};

/// An open object of the library and the function that closes it.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }
  bool ok() const { return id_ >= 0; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

/// "/a/b/c" as "/a", "/a/b", "/a/b/c".
inline std::vector<std::string> prefixes(const std::string& path) {
  std::vector<std::string> result;
  for (std::size_t i = 1; i <= path.size(); ++i)
    if ((i == path.size() || path[i] == '/') && path[i - 1] != '/')
      result.push_back(path.substr(0, i));
  return result;
}

inline bool link_exists(hid_t file, const std::string& path) {
  for (const std::string& prefix : prefixes(path))
    if (H5Lexists(file, prefix.c_str(), H5P_DEFAULT) <= 0 ||
        H5Oexists_by_name(file, prefix.c_str(), H5P_DEFAULT) <= 0)
      return false;
  return true;
}

inline Handle text_type(H5T_cset_t characters = H5T_CSET_UTF8) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, characters);
  return type;
}

}  // namespace ohmic::h5
