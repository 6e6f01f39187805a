// One cursor through all charts. Without scripts the page loses nothing else.
const figures = [...document.querySelectorAll("figure.chart")];
function show(share) {
  figures.forEach((figure, at) => {
    const { left, right, times, lines } = charts[at];
    const place = share === null ? -1 : Math.round(share * (times.length - 1));
    const x = place < 0 ? -9 : left + (right - left) * place / Math.max(times.length - 1, 1);
    const cursor = figure.querySelector(".cursor");
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    const when = figure.querySelector(".when");
    const late = x > (left + right) / 2;
    when.textContent = place < 0 ? "" : times[place];
    when.setAttribute("x", late ? x - 6 : x + 6);
    when.setAttribute("text-anchor", late ? "end" : "start");
    figure.querySelectorAll("b[data-line]").forEach((cell, line) => {
      cell.textContent = place < 0 ? "" : lines[line][place];
    });
    figure.querySelector("svg").style.cursor = "crosshair";
  });
}
figures.forEach((figure, at) => {
  const svg = figure.querySelector("svg");
  svg.addEventListener("mousemove", (event) => {
    const box = svg.getBoundingClientRect();
    const { left, right } = charts[at];
    const x = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
    show(Math.min(1, Math.max(0, (x - left) / (right - left))));
  });
  svg.addEventListener("mouseleave", () => show(null));
});
