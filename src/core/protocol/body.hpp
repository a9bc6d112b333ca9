// SPDX-License-Identifier: MIT
// What the body of a reply has to say: a text that is in it, fields of its JSON.
#pragma once

#include "json.hpp"

namespace usher {

/// Reads a body byte by byte; nothing of it is stored. All that is looked for must be there.
class BodySearch {
  public:
    static constexpr std::size_t text_limit = 65536;  ///< bytes in which the text must be

    /// Both must outlive it. An empty text and no field are not looked for.
    BodySearch(std::string_view needle, std::span<const JsonField> fields)
        : needle_(needle), json_(fields), has_fields_(!fields.empty()) {
        if (needle.empty() && !has_fields_) verdict_ = Verdict::done;
    }

    void feed(char c);
    /// The body is complete. Leaves no verdict at `more`.
    void finish();

    /// `done` from the beginning where nothing is looked for.
    [[nodiscard]] Verdict verdict() const { return verdict_; }
    [[nodiscard]] Reason reason() const { return reason_; }
    [[nodiscard]] const JsonMatcher& json() const { return json_; }

  private:
    void search(char c);
    void conclude(Verdict verdict, Reason reason);

    std::string_view needle_;
    std::size_t matched_ = 0;  ///< bytes of the needle that end what was read so far
    std::uint32_t bytes_ = 0;  ///< at most text_limit
    JsonMatcher json_;
    bool has_fields_;
    Verdict verdict_ = Verdict::more;
    Reason reason_ = Reason::none;
};

}  // namespace usher
