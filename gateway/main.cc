#include "gateway/server/control.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  gateway::server::Control control(argv[2]);
  return control.run();
}
