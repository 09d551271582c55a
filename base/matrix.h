#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/memory.h"

/// Row-major matrices and the views that borrow from them.
namespace ohmic {

using Index = std::ptrdiff_t;

/// Storage for numbers, aligned to 64 bytes so that any vector width may load from its start.
template <class T>
struct AlignedAllocator {
  using value_type = T;
  AlignedAllocator() = default;
  template <class U>
  AlignedAllocator(const AlignedAllocator<U>&) {}
  T* allocate(std::size_t n) { return static_cast<T*>(allocate_aligned(n * sizeof(T))); }
  void deallocate(T* p, std::size_t n) { free_aligned(p, n * sizeof(T)); }
  template <class U>
  bool operator==(const AlignedAllocator<U>&) const {
    return true;
  }
};

template <class T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

/// A rows x columns window on row-major numbers that another object owns; `stride` is the distance
/// of rows. T may be const.
template <class T>
class MatrixView {
 public:
  MatrixView() = default;
  MatrixView(T* first, Index rows, Index columns, Index stride)
      : first_(first), rows_(rows), columns_(columns), stride_(stride) {}
  MatrixView(T* first, Index rows, Index columns) : MatrixView(first, rows, columns, columns) {}
  /// A view that may write is also one that may read.
  template <class U, class = std::enable_if_t<std::is_same_v<const U, T> && !std::is_same_v<U, T>>>
  MatrixView(const MatrixView<U>& other)
      : MatrixView(other.data(), other.rows(), other.columns(), other.stride()) {}

  T* data() const { return first_; }
  Index rows() const { return rows_; }
  Index columns() const { return columns_; }
  Index stride() const { return stride_; }
  Index size() const { return rows_ * columns_; }
  bool empty() const { return size() == 0; }
  T* row(Index r) const {
    assert(r >= 0 && r < rows_);
    return first_ + r * stride_;
  }
  T& operator()(Index r, Index c) const {
    assert(r >= 0 && r < rows_ && c >= 0 && c < columns_);
    return first_[r * stride_ + c];
  }
  MatrixView block(Index first_row, Index first_column, Index rows, Index columns) const {
    assert(first_row >= 0 && first_column >= 0);
    assert(first_row + rows <= rows_ && first_column + columns <= columns_);
    return {first_ + first_row * stride_ + first_column, rows, columns, stride_};
  }

 private:
  T* first_ = nullptr;
  Index rows_ = 0, columns_ = 0, stride_ = 0;
};

template <class T>
using View = MatrixView<T>;
template <class T>
using ConstView = MatrixView<const T>;

/// A rows x columns matrix that owns its numbers: row-major, contiguous, initially zero.
template <class T>
class Matrix {
 public:
  Matrix() = default;
  Matrix(Index rows, Index columns, T value = T(0))
      : rows_(rows), columns_(columns), values_(static_cast<std::size_t>(rows * columns), value) {
    assert(rows >= 0 && columns >= 0);
  }
  /// A contiguous copy of what `from` shows, converted to T.
  template <class U>
  explicit Matrix(MatrixView<U> from) : Matrix(from.rows(), from.columns()) {
    for (Index r = 0; r < rows_; ++r)
      for (Index c = 0; c < columns_; ++c) (*this)(r, c) = static_cast<T>(from(r, c));
  }

  Index rows() const { return rows_; }
  Index columns() const { return columns_; }
  Index size() const { return rows_ * columns_; }
  bool empty() const { return values_.empty(); }
  T* data() { return values_.data(); }
  const T* data() const { return values_.data(); }
  T* row(Index r) { return data() + r * columns_; }
  const T* row(Index r) const { return data() + r * columns_; }
  T& operator()(Index r, Index c) {
    assert(r >= 0 && r < rows_ && c >= 0 && c < columns_);
    return values_[static_cast<std::size_t>(r * columns_ + c)];
  }
  const T& operator()(Index r, Index c) const {
    assert(r >= 0 && r < rows_ && c >= 0 && c < columns_);
    return values_[static_cast<std::size_t>(r * columns_ + c)];
  }
  View<T> view() { return {data(), rows_, columns_}; }
  ConstView<T> view() const { return {data(), rows_, columns_}; }
  operator View<T>() { return view(); }
  operator ConstView<T>() const { return view(); }
  /// Takes the shape and numbers of `from`; allocates only where there is too little memory.
  void assign(ConstView<T> from) {
    rows_ = from.rows();
    columns_ = from.columns();
    values_.resize(static_cast<std::size_t>(size()));
    for (Index r = 0; r < rows_; ++r) std::copy_n(from.row(r), columns_, row(r));
  }
  void fill(T value) { values_.assign(values_.size(), value); }
  bool operator==(const Matrix&) const = default;

 private:
  Index rows_ = 0, columns_ = 0;
  AlignedVector<T> values_;
};

}  // namespace ohmic
