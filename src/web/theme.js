// Light or dark: as the system has it, or as the button says, which is remembered. Not a module, so
// that it runs before anything is painted.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const remembered = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // storage is forbidden here: then it lasts as long as the page
    }
  };
  const apply = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  };
  apply(remembered());

  const isDark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (!button) return;
    const describe = () => button.setAttribute("aria-pressed", String(isDark()));
    describe();
    system.addEventListener("change", describe);
    button.addEventListener("click", () => {
      const theme = isDark() ? "light" : "dark";
      apply(theme);
      describe();
      try {
        localStorage.setItem("theme", theme);
      } catch {
        // As above.
      }
    });
  });
})();
