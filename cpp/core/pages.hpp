// Memory that is a mapped file: what has been read need not stay resident.
#pragma once

#include "core/view.hpp"

namespace shallowcore {

// Lets the system take back the pages of some rows of a read-only or shared file mapping; what is read
// again comes from the file.  All rows where they do not follow one another in memory.  Without effect
// where the system has no such call.
void release_rows(const AnyMatrix& matrix, Index first, Index count);

}  // namespace shallowcore
