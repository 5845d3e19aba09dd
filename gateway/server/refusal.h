#pragma once

namespace gateway::server {

/// Whether something that was asked for is not in use because it was refused. A change of objects
/// is taken together with the file that is in use, so it says nothing of a newer one that was
/// refused; a file is taken together with the objects as they are then.
class Refusal {
 public:
  /// Of one reload: whether the cluster's objects asked for it, and whether it is in use.
  void heard(bool objects, bool in_use) {
    if (!objects) file_ = !in_use;
    if (objects || in_use) objects_ = !in_use;
  }
  bool lasts() const { return file_ || objects_; }

 private:
  bool file_ = false;
  bool objects_ = false;
};

}  // namespace gateway::server
