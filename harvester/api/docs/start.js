// Shows the document of this daemon. No validator: that would send it to somebody else.
SwaggerUIBundle({ url: "openapi.json", dom_id: "#api", deepLinking: true, docExpansion: "list", validatorUrl: null });
