#include "native/rivals_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#if defined(__linux__)
#include <sys/prctl.h>
#endif

namespace shallowcore::bench {
namespace {

// Its ends are closed in the processes that contenders become, but for what dup2 made of them.
struct Pipe {
  int ends[2];
  Pipe() {
    if (pipe(ends) != 0) throw std::runtime_error("no pipe");
    for (const int end : ends) fcntl(end, F_SETFD, FD_CLOEXEC);
  }
};

[[noreturn]] void become(const std::string& program, int threads) {
  const std::string count = std::to_string(threads);
  for (const char* name : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "SHALLOWCORE_NUM_THREADS"}) {
    setenv(name, count.c_str(), 1);
  }
#if defined(__linux__)
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // a stopped process would outlive a driver that was killed
#endif
  execl(program.c_str(), program.c_str(), count.c_str(), static_cast<char*>(nullptr));
  _exit(127);
}

}  // namespace

Process::Process(const std::string& program, int threads) : program_(program) {
  const Pipe down, up;
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("no process for " + program);
  if (pid_ == 0) {
    dup2(down.ends[0], STDIN_FILENO);
    dup2(up.ends[1], STDOUT_FILENO);
    become(program, threads);
  }
  close(down.ends[0]);
  close(up.ends[1]);
  to_ = fdopen(down.ends[1], "w");
  from_ = fdopen(up.ends[0], "r");
  version_ = answer();
}

Process::~Process() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  std::fclose(to_);
  std::fclose(from_);
}

std::string Process::ask(const std::string& line) {
  std::fprintf(to_, "%s\n", line.c_str());
  std::fflush(to_);
  kill(pid_, SIGCONT);
  return answer();
}

// A line, and then all of the process' threads stand still.
std::string Process::answer() {
  std::string line;
  for (int c = std::fgetc(from_); c != '\n'; c = std::fgetc(from_)) {
    if (c == EOF) throw std::runtime_error(program_ + " has ended");
    line += static_cast<char>(c);
  }
  int status = 0;
  waitpid(pid_, &status, WUNTRACED);
  if (!WIFSTOPPED(status)) throw std::runtime_error(program_ + " has ended");
  return line;
}

}  // namespace shallowcore::bench
