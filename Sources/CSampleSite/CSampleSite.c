// SPDX-License-Identifier: Apache-2.0
#include "CSampleSite.h"

// C23's #embed, which the toolchain's clang knows in every mode: 16 ms where an array literal in Swift takes 25 s.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char file_404_html[] = {
#embed "../../Samples/site/404.html"
};
static const unsigned char file_about_index_html[] = {
#embed "../../Samples/site/about/index.html"
};
static const unsigned char file_assets_dawn_webm[] = {
#embed "../../Samples/site/assets/dawn.webm"
};
static const unsigned char file_assets_dusk_png[] = {
#embed "../../Samples/site/assets/dusk.png"
};
static const unsigned char file_assets_mark_svg[] = {
#embed "../../Samples/site/assets/mark.svg"
};
static const unsigned char file_assets_swarm_svg[] = {
#embed "../../Samples/site/assets/swarm.svg"
};
static const unsigned char file_gallery_index_html[] = {
#embed "../../Samples/site/gallery/index.html"
};
static const unsigned char file_index_html[] = {
#embed "../../Samples/site/index.html"
};
static const unsigned char file_style_css[] = {
#embed "../../Samples/site/style.css"
};

#define FILE_AT(path, bytes) {path, bytes, sizeof bytes}

static const struct roost_sample_file files[] = {
    FILE_AT("404.html", file_404_html),
    FILE_AT("about/index.html", file_about_index_html),
    FILE_AT("assets/dawn.webm", file_assets_dawn_webm),
    FILE_AT("assets/dusk.png", file_assets_dusk_png),
    FILE_AT("assets/mark.svg", file_assets_mark_svg),
    FILE_AT("assets/swarm.svg", file_assets_swarm_svg),
    FILE_AT("gallery/index.html", file_gallery_index_html),
    FILE_AT("index.html", file_index_html),
    FILE_AT("style.css", file_style_css),
};

size_t roost_sample_count(void) {
    return sizeof files / sizeof files[0];
}

struct roost_sample_file roost_sample_file_at(size_t index) {
    return files[index];
}
