/** Schemas to begin with. */

const WEATHER = `openapi: 3.1.0
info:
  title: Weather
  description: The weather of a place.
  version: 1.0.0
servers:
  - url: https://weather.example.com
paths:
  /current:
    get:
      operationId: currentWeather
      description: The weather now at a place
      parameters:
        - name: place
          in: query
          description: A town or an address
          required: true
          schema:
            type: string
        - name: unit
          in: query
          description: celsius or fahrenheit
          schema:
            type: string
            enum: [celsius, fahrenheit]
            default: celsius
      responses:
        "200":
          description: The weather
`;

const PETS = `openapi: 3.0.3
info:
  title: Pet store
  description: Pets of a small shop.
  version: 1.0.0
servers:
  - url: https://pets.example.com/v1
paths:
  /pets:
    get:
      operationId: listPets
      summary: List the pets
      parameters:
        - name: limit
          in: query
          description: How many at most
          schema:
            type: integer
            default: 10
      responses:
        "200":
          description: The pets
    post:
      operationId: createPet
      summary: Add a pet
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [name]
              properties:
                name:
                  type: string
                  description: What it is called
                tag:
                  type: string
                  description: Its kind
      responses:
        "201":
          description: The new pet
  /pets/{petId}:
    get:
      operationId: showPet
      summary: One pet
      parameters:
        - name: petId
          in: path
          description: The number of the pet
          required: true
          schema:
            type: integer
      responses:
        "200":
          description: The pet
`;

const BLANK = `openapi: 3.1.0
info:
  title: Untitled
  description: What this API is for
  version: 1.0.0
servers:
  - url: https://api.example.com
paths: {}
`;

export const EXAMPLES: readonly { readonly key: string; readonly schema: string }[] = [
  { key: "weather", schema: WEATHER },
  { key: "pets", schema: PETS },
  { key: "blank", schema: BLANK },
];
