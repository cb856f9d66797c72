// Runs in the head before the first paint, so that a chosen theme never flashes. Without a choice the system's holds.
const KEY = 'spillway-theme';

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // Storage is blocked here: the choice lasts as long as the page.
  }
}

function apply(theme: string | null): void {
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
}

function isDark(): boolean {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}

function announce(): void {
  document.getElementById('theme')?.setAttribute('aria-pressed', String(isDark()));
  dispatchEvent(new Event('themechange'));
}

apply(stored());
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', announce);
document.addEventListener('DOMContentLoaded', () => {
  announce();
  document.getElementById('theme')?.addEventListener('click', () => {
    const theme = isDark() ? 'light' : 'dark';
    apply(theme);
    announce();
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // As above: not remembered.
    }
  });
});
