// What the theme leaves out: blocks that scroll can be reached by the keyboard, headings have a level, landmarks a name.
document.addEventListener("DOMContentLoaded", () => {
    for (const one of document.querySelectorAll("pre, .table-wrapper")) {
        if (one.scrollWidth > one.clientWidth) {
            one.tabIndex = 0;
        }
    }
    document.querySelectorAll("p.caption[role=heading]").forEach((one) => one.setAttribute("aria-level", "2"));
    document.querySelector("aside.sidebar-drawer")?.setAttribute("aria-label", "contents");
    document.querySelector("aside.toc-drawer")?.setAttribute("aria-label", "on this page");
});
