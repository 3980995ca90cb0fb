// Small repairs of the theme's pages, for the keyboard and for screen readers.
(function () {
  "use strict";

  // A box that scrolls sideways must be reachable with the keyboard.
  function markScrollable() {
    document
      .querySelectorAll("div.math, pre, .pst-scrollable-table-container, dl.py > dt")
      .forEach(function (box) {
        if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
      });
  }

  document.addEventListener("DOMContentLoaded", markScrollable);
  window.addEventListener("load", markScrollable);
  window.addEventListener("resize", markScrollable);
})();
