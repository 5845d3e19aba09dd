#pragma once

#include <cstddef>
#include <cstdint>

namespace bench {

// All sockets are non-blocking, close-on-exec, on 127.0.0.1, and have TCP_NODELAY.
int listen_tcp(uint16_t port, bool share_port);
int accept_tcp(int listener);  // -1: nobody waits
int connect_tcp(uint16_t port);

// read(2) and send(2) in one vocabulary.
enum class Io { kDone, kAgain, kClosed };
struct Transfer {
  Io io;
  size_t bytes;
};
Transfer read_some(int fd, char* into, size_t room);
// Writes until everything is out or the socket is full.
Transfer write_all(int fd, const char* data, size_t size);

}  // namespace bench
