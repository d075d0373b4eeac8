// A contender's process, as rivals.cpp sees it: ask a line, get a line; stopped in between.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>

namespace shallowcore::bench {

class Process {
 public:
  // Starts `program` with so many threads, for every library that could be in it.
  Process(const std::string& program, int threads);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  const std::string& version() const { return version_; }
  // Throws where the process dies instead.
  std::string ask(const std::string& line);

 private:
  std::string answer();

  std::string program_, version_;
  pid_t pid_ = -1;
  std::FILE *to_ = nullptr, *from_ = nullptr;
};

}  // namespace shallowcore::bench
