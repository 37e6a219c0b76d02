// Arrays as PostgreSQL reads them in text.
#pragma once

#include <string>
#include <string_view>

namespace assent {

// '{a,b,c}'. The elements need no quoting: uuids, numbers, participant names and our own words.
class ArrayText {
 public:
  void add(std::string_view element) {
    text_ += text_.empty() ? "{" : ",";
    text_ += element;
  }
  const char* finish() {
    text_ += text_.empty() ? "{}" : "}";
    return text_.c_str();
  }

 private:
  std::string text_;
};

}  // namespace assent
