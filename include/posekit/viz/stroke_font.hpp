#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// A glyph of the built-in font: strokes on a grid whose capitals are 12 units high, with the
/// baseline at y = 12 and descenders down to 16.
struct StrokeGlyph {
  int width;                 ///< units from the left edge to the right edge, without spacing
  std::string_view strokes;  ///< polylines separated by ';', points "xy" in base 17 (0 - 9, a - g)
};

/// The glyph of a printable ASCII character; a box for every other.
constexpr StrokeGlyph stroke_glyph(char character) {
  constexpr std::array<StrokeGlyph, 95> glyphs{{
      {4, ""},                                  // space
      {2, "1018;1b1c"},                         // !
      {4, "1014;3034"},                         // "
      {8, "201c;706c;0484;0888"},               // #
      {8, "82602002042666888a6c2c0a;404c"},     // $
      {8, "700c;1012;6a6c"},                    // %
      {8, "8c22204042080a2c4c88"},              // &
      {2, "1014"},                              // '
      {4, "3012193c"},                          // (
      {4, "1032391c"},                          // )
      {6, "325a;523a;0666"},                    // *
      {6, "353b;0868"},                         // +
      {3, "2b1e"},                              // ,
      {6, "0868"},                              // -
      {2, "1b1c"},                              // .
      {6, "600d"},                              // /
      {6, "204063694c2c090320"},                // 0
      {6, "12303c;1c5c"},                       // 1
      {6, "02204062640c6c"},                    // 2
      {6, "01204062644626;46686a4c2c0b"},       // 3
      {6, "4c400868"},                          // 4
      {6, "6010051444666a4c2c0b"},              // 5
      {6, "514020030a2c4c6a68462608"},          // 6
      {6, "00602c"},                            // 7
      {6, "260402204062644626080a2c4c6a6846"},  // 8
      {6, "1b2c4c696240200204264664"},          // 9
      {2, "1617;1b1c"},                         // :
      {3, "2627;2b1e"},                         // ;
      {6, "64086c"},                            // <
      {6, "0666;0a6a"},                         // =
      {6, "04680c"},                            // >
      {6, "02204062643638;3b3c"},               // ?
      {8, "8a6c2c0a02206082886864343868"},      // @
      {8, "0c408c;2878"},                       // A
      {8, "0c005072745606;56788a6c0c"},         // B
      {8, "826020020a2c6c8a"},                  // C
      {8, "005083895c0c00"},                    // D
      {7, "70000c7c;0656"},                     // E
      {7, "70000c;0656"},                       // F
      {8, "826020020a2c6c8a8757"},              // G
      {8, "000c;808c;0686"},                    // H
      {2, "101c"},                              // I
      {6, "606a4c2c0a"},                        // J
      {8, "000c;8007;388c"},                    // K
      {7, "000c7c"},                            // L
      {9, "0c0048808c"},                        // M
      {8, "0c008c80"},                          // N
      {8, "2060828a6c2c0a0220"},                // O
      {8, "0c006082856707"},                    // P
      {8, "2060828a6c2c0a0220;598d"},           // Q
      {8, "0c006082856707;478c"},               // R
      {8, "82602002042666888a6c2c0a"},          // S
      {8, "0080;404c"},                         // T
      {8, "000a2c6c8a80"},                      // U
      {8, "004c80"},                            // V
      {10, "002c538ca0"},                       // W
      {8, "008c;800c"},                         // X
      {8, "004680;464c"},                       // Y
      {8, "00800c8c"},                          // Z
      {4, "30101c3c"},                          // [
      {6, "006d"},                              // backslash
      {4, "10303c1c"},                          // ]
      {6, "043064"},                            // ^
      {7, "0d7d"},                              // _
      {3, "1022"},                              // `
      {6, "646c;664424060a2c4c6a"},             // a
      {6, "000c;062444666a4c2c0a"},             // b
      {6, "664424060a2c4c6a"},                  // c
      {6, "606c;664424060a2c4c6a"},             // d
      {6, "0868664424060a2c4c6b"},              // e
      {5, "5030222c;0444"},                     // f
      {6, "646e4g2g0e;664424060a2c4c6a"},       // g
      {6, "000c;062444666c"},                   // h
      {2, "141c;1011"},                         // i
      {3, "242e1g0g;2021"},                     // j
      {6, "000c;6409;286c"},                    // k
      {2, "101c"},                              // l
      {8, "040c;062434464c;466474868c"},        // m
      {6, "040c;062444666c"},                   // n
      {6, "2444666a4c2c0a0624"},                // o
      {6, "040g;062444666a4c2c0a"},             // p
      {6, "646g;664424060a2c4c6a"},             // q
      {4, "040c;062444"},                       // r
      {6, "65442405072848696b4c2c0b"},          // s
      {5, "202a3c5c;0444"},                     // t
      {6, "040a2c4c6a;646c"},                   // u
      {6, "043c64"},                            // v
      {8, "042c466c84"},                        // w
      {6, "046c;640c"},                         // x
      {6, "043c;641g"},                         // y
      {6, "04640c6c"},                          // z
      {4, "30212516272b3c"},                    // {
      {2, "101d"},                              // |
      {4, "10212536272b1c"},                    // }
      {6, "09274967"},                          // ~
  }};
  const int index = character - ' ';
  if (index < 0 || index >= static_cast<int>(glyphs.size())) return {6, "00606c0c00"};
  return glyphs[static_cast<std::size_t>(index)];
}

}  // namespace posekit::inline POSEKIT_ISA
