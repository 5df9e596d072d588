// Relative, because API Gateway puts the stage before every path.
const openapi = new URL("v1/openapi.json", location.href).href

const dark = matchMedia("(prefers-color-scheme: dark)")
const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches)
dark.addEventListener("change", paint)
paint()

// A key that is typed in stays in this page's memory; the validator would be a third party.
SwaggerUIBundle({
  url: openapi,
  domNode: document.getElementById("reference"),
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  persistAuthorization: false,
  queryConfigEnabled: false,
  validatorUrl: null,
})
